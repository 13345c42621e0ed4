export interface Town {
  readonly name: string;
  readonly dial: string;
  readonly language: string;
}

export const towns: readonly Town[] = [
  { name: 'Berlin', dial: '+49 30', language: 'de' },
  { name: 'Lisboa', dial: '+351 21', language: 'pt' },
  { name: '大阪', dial: '+81 6', language: 'ja' },
  { name: 'Nairobi', dial: '+254 20', language: 'en' },
  { name: 'Montréal', dial: '+1 514', language: 'fr' },
  { name: 'Pune', dial: '+91 20', language: 'en' },
  { name: 'Gdańsk', dial: '+48 58', language: 'pl' },
];

export const givenNames: readonly string[] = `
Aaliyah, Adam, Agnieszka, Aiko, Alejandro, Amara, Anna, Anders, Arjun, Astrid, Ayşe, Beatriz, Björn,
Camille, Carlos, Catherine, Chiara, Chloé, Daniel, Deepika, Diego, Dmitri, Elena, Élodie, Emeka,
Emre, Esther, Fatima, Felix, François, Giulia, Grace, Hana, Hans, Haruto, Helena, Hugo, Ibrahim,
Ines, Ingrid, Isabel, Ivan, Jakub, Jamal, Jana, João, Johanna, Jorge, José, Julia, Kamala, Karim,
Katarzyna, Kenji, Kwame, Lars, Laura, Leila, Liam, Linh, Łukasz, Magda, Mai, Malik, Marek, Maria,
Marta, Mateus, Mei, Michael, Miriam, Mohammed, Nadia, Naomi, Ngozi, Niamh, Nils, Nour, Olga, Oliver,
Olumide, Omar, Paula, Pierre, Priya, Rahul, Renée, Ricardo, Rosa, Ruth, Sakura, Samuel, Sanjay, Sara,
Seán, Sofia, Søren, Sunita, Tariq, Thandiwe, Tomás, Tuấn, Uma, Viktor, Wanjiru, Wei, Yara, Yuki,
Yusuf, Zofia
`
  .trim()
  .split(/,\s+/);

export const familyNames: readonly string[] = `
Abdi, Achieng, Adeyemi, Almeida, Andersson, Bakker, Banerjee, Bauer, Bianchi, Brown, Çelik, Chen,
Costa, Cruz, Dąbrowski, da Silva, Desai, Diallo, Dubois, Eriksen, Fernández, Ferreira, Fischer,
Fujita, Gagnon, García, Großmann, Gupta, Haddad, Hansen, Hernández, Hoang, Horvát, Ivanova, Jansen,
Johansson, Kamau, Kaplan, Kapoor, Kim, Kowalczyk, Kowalski, Krüger, Kumar, Lefèvre, Lewandowski, Li,
López, MacDonald, Mäkinen, Martin, Mehta, Mensah, Meyer, Moreau, Mwangi, Nakamura, Nguyễn, Nielsen,
Novák, O'Brien, O'Connor, Odhiambo, Øster, Oliveira, Otieno, Papadopoulos, Park, Patel, Pereira,
Petrov, Pham, Popescu, Rao, Rossi, Roy, Sánchez, Santos, Sato, Schäfer, Schmidt, Sharma, Singh,
Smith, Suzuki, Takahashi, Tanaka, Tremblay, van den Berg, Wagner, Wang, Weiß, Wiśniewski, Wójcik,
Yamamoto, Yıldız, Zhang, Zieliński
`
  .trim()
  .split(/,\s+/);

export interface Team {
  readonly name: string;
  readonly size: number;
  readonly titles: readonly string[];
}

export interface Department {
  readonly name: string;
  readonly description: string;
  readonly head: string;
  readonly teams: readonly Team[];
}

const engineers = ['Engineer', 'Engineer', 'Senior Engineer', 'Staff Engineer', 'Intern'];
const sellers = ['Account Executive', 'Account Manager', 'Sales Engineer', 'Inside Sales Representative'];

export const departments: readonly Department[] = [
  {
    name: 'Engineering',
    description: 'Builds and runs the products',
    head: 'Chief Technology Officer',
    teams: [
      { name: 'Platform', size: 80, titles: engineers },
      { name: 'Applications', size: 120, titles: engineers },
      { name: 'Mobile', size: 60, titles: engineers },
      { name: 'Quality', size: 45, titles: ['Test Engineer', 'Senior Test Engineer', 'Release Engineer'] },
      { name: 'Security', size: 25, titles: ['Security Engineer', 'Security Analyst'] },
    ],
  },
  {
    name: 'Research, Development & "Labs"',
    description: 'A name with a comma and quotes, as it happens',
    head: 'Chief Scientist',
    teams: [
      { name: 'Applied Science', size: 40, titles: ['Scientist', 'Senior Scientist', 'Research Engineer'] },
      { name: 'Prototypes', size: 25, titles: ['Hardware Engineer', 'Designer', 'Technician'] },
    ],
  },
  {
    name: 'Sales',
    description: 'Talks to customers before they are',
    head: 'Chief Revenue Officer',
    teams: [
      { name: 'Europe, Middle East & Africa', size: 90, titles: sellers },
      { name: 'Americas', size: 80, titles: sellers },
      { name: 'Asia/Pacific', size: 70, titles: sellers },
      { name: 'Partners', size: 30, titles: ['Partner Manager', 'Channel Manager'] },
    ],
  },
  {
    name: 'Customer Care',
    description: 'Talks to customers after they are',
    head: 'Head of Customer Care',
    teams: [
      {
        name: 'Support',
        size: 110,
        titles: ['Support Engineer', 'Senior Support Engineer', 'Support Specialist'],
      },
      { name: 'Training', size: 20, titles: ['Trainer', 'Technical Writer'] },
      { name: 'Onboarding', size: 25, titles: ['Onboarding Specialist', 'Consultant'] },
    ],
  },
  {
    name: 'Operations',
    description: 'Keeps the lights on',
    head: 'Chief Operating Officer',
    teams: [
      { name: 'Data Centres', size: 35, titles: ['Site Reliability Engineer', 'Technician'] },
      { name: 'Facilities', size: 20, titles: ['Facility Manager', 'Receptionist'] },
      { name: 'Logistics', size: 30, titles: ['Planner', 'Warehouse Associate'] },
      { name: 'IT', size: 25, titles: ['System Administrator', 'Help Desk Technician'] },
    ],
  },
  {
    name: 'Corporate',
    description: 'Money, people and law',
    head: 'Chief Executive Officer',
    teams: [
      { name: 'Executive Office', size: 8, titles: ['Chief of Staff', 'Executive Assistant'] },
      { name: 'Finance', size: 30, titles: ['Accountant', 'Controller', 'Financial Analyst'] },
      { name: 'People & Culture', size: 20, titles: ['Recruiter', 'HR Partner'] },
      { name: 'Legal', size: 10, titles: ['Counsel', 'Paralegal'] },
      { name: 'Marketing', size: 32, titles: ['Marketing Manager', 'Copywriter', 'Designer'] },
    ],
  },
];
